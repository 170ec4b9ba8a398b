//! Resources.

pub(crate) mod documents;
pub(crate) mod dynamic;
pub(crate) mod fixed;
pub(crate) mod kept;

use latimer::Server;

pub(crate) fn add(server: Server) -> Server {
    kept::add(documents::add(dynamic::add(fixed::add(server))))
}
