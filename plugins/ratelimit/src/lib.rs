//! The `ratelimit` module: is the caller in the penalty box, and how fast may it go?
//!
//! Nothing is decided here: the module is the pipeline of two stages, of which its role picks one, driven by the adapter.

meshward_adapter::plugin!(meshward_pipeline::Ratelimit, asks, responds, observes);
