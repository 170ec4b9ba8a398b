//! The server under test: `conformance-server --http ADDR`.

fn main() -> latimer::Result {
    latimer::run(latimer_conformance::server())
}
