//! The `authz` module: may this caller do this?
//!
//! Nothing is decided here: the module is the pipeline of one stage, driven by the adapter.

meshward_adapter::plugin!(meshward_pipeline::Authz);
