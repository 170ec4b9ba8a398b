use latimer::prelude::*;

fn add(a: f64, b: f64) -> f64 {
    a + b
}

#[prompt]
fn ask() -> String {
    String::new()
}

struct Bistro;

fn main() {
    let _ = Server::new("calculator").tool(add);
    let _ = Server::new("calculator").tool(ask);
    let _ = Server::new("calculator").add(Bistro);
}
