//! libFuzzer around `meshward_fuzz::handover`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::handover::body(bytes));
