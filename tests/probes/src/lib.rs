//! What a module sees of its host.
