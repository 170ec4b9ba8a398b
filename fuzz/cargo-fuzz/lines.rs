#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| latimer_fuzz::targets::lines::run(data));
