//! How fast a caller may go, and what becomes of one that misbehaves.
