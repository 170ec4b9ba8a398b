//! Tools. All of them are always there: what a client cannot do is told when it calls (VER-8).

mod asking;
mod basic;
mod changes;
mod gzip;
mod joint;
mod long;
mod references;
mod research;

use latimer::Server;

pub(crate) use basic::PICTURE;

pub(crate) fn add(server: Server) -> Server {
    let server = gzip::add(references::add(long::add(basic::add(server))));
    changes::add(joint::add(research::add(asking::add(server))))
}
