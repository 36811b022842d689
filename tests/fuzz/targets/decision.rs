//! libFuzzer around `meshward_fuzz::decision`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::decision::body(bytes));
