//! Tools. All of them are always there: what a client cannot do is told when it calls (VER-8).

mod asking;
mod basic;
mod changes;
mod gzip;
mod joint;
mod later;
mod long;
mod newer;
mod page;
mod references;
mod research;
mod toggles;

use latimer::Server;

pub(crate) use basic::PICTURE;

pub(crate) fn add(server: Server) -> Server {
    let server = gzip::add(references::add(long::add(basic::add(server))));
    let server = toggles::add(research::add(page::add(asking::add(server))));
    newer::add(later::add(changes::add(joint::add(server))))
}
