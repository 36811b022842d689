//! The `authn` module: is the caller who it says it is?
//!
//! Nothing is decided here: the module is the pipeline of one stage, driven by the adapter.

meshward_adapter::plugin!(meshward_pipeline::Authn, asks);
