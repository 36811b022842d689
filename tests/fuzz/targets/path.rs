//! libFuzzer around `meshward_fuzz::path`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::path::body(bytes));
