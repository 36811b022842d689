//! libFuzzer around `meshward_fuzz::cases`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::cases::body(bytes));
