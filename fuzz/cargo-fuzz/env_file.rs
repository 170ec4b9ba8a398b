#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| latimer_fuzz::targets::env_file::run(data));
