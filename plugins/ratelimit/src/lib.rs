//! The `ratelimit` module: is the caller in the penalty box, and how fast may it go?
