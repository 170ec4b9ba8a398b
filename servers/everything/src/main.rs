//! The everything server as a program of its own.

use latimer_everything::everything;

fn main() -> latimer::Result {
    latimer::run(everything().page_size(10).http_sse(true))
}
