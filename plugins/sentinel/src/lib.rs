//! The `sentinel` module: watches outcomes, detects, and writes events down. The exports are the macro's; every decision is in
//! `shared/`.

meshward_adapter::plugin!(meshward_pipeline::Sentinel, asks, observes);
