//! The `guard` module: every stage in one VM, the request read once.
//!
//! Nothing is decided here: the module is the pipeline of all stages, driven by the adapter.

meshward_adapter::plugin!(meshward_pipeline::Guard, asks, responds, observes);
