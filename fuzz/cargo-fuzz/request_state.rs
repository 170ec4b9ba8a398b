#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| latimer_fuzz::targets::request_state::run(data));
