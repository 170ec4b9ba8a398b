//! What an author's functions share.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use latimer_core::states::States;

/// A value that the author gave to the server with [`Server::state`](crate::Server::state).
///
/// A function that takes a `State<Db>` gets the server's `Db`: one shared pointer, cheap to clone. A
/// server that has none for one of its functions does not start.
pub struct State<T: ?Sized>(Arc<T>);

impl<T> State<T> {
    /// A state of one's own, to call a function in a test.
    pub fn new(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T: ?Sized> State<T> {
    /// The shared pointer.
    pub fn into_inner(self) -> Arc<T> {
        self.0
    }
}

impl<T: ?Sized> From<Arc<T>> for State<T> {
    fn from(value: Arc<T>) -> Self {
        Self(value)
    }
}

impl<T: ?Sized> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized> Clone for State<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for State<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("State").field(&self.0).finish()
    }
}

/// Finds the states that functions need, once, before the server starts.
#[derive(Debug)]
pub struct Binder<'a>(pub(crate) &'a States);

/// A function needs a state that the server does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingState {
    pub(crate) type_name: &'static str,
}

impl Binder<'_> {
    /// The state of a type.
    ///
    /// # Errors
    /// When the server has none.
    pub fn state<T: Send + Sync + 'static>(&self) -> Result<State<T>, MissingState> {
        let missing = MissingState { type_name: std::any::type_name::<T>() };
        self.0.get().map(State).ok_or(missing)
    }
}
