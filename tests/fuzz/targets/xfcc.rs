//! libFuzzer around `meshward_fuzz::xfcc`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::xfcc::body(bytes));
