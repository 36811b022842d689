//! The `ratelimit` module: is the caller in the penalty box, and how fast may it go?

meshward_adapter::plugin!(meshward_pipeline::Ratelimit);
