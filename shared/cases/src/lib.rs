//! Cases of a policy: requests and what must come of them.
