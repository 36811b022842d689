//! The `sentinel` module: watches outcomes, detects, and writes events down
