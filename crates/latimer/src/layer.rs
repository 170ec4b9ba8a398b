//! Tower layers around calls.

use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use latimer_core::middleware::{Middleware, Next};
use latimer_core::{Answer, BoxFuture, Call, CallError, Outcome};
use tower_layer::Layer;
use tower_service::Service;

/// Any error of a tower service.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The rest of the way of a call, as a tower service: what a layer is put around.
#[derive(Clone, Debug)]
pub struct NextService(Next);

/// A call failed: [`CallError`] as the errors of tower have to be.
#[derive(Debug)]
pub struct LayerError(CallError);

impl LayerError {
    /// Why the call failed.
    pub fn into_inner(self) -> CallError {
        self.0
    }
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for LayerError {}

impl From<CallError> for LayerError {
    fn from(error: CallError) -> Self {
        Self(error)
    }
}

impl Service<Call> for NextService {
    type Response = Answer;
    type Error = LayerError;
    type Future = BoxFuture<'static, Result<Answer, LayerError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), LayerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let outcome = self.0.run(call);
        Box::pin(async move { outcome.await.map_err(LayerError) })
    }
}

/// What a layer may make of [`NextService`]: a service of calls that can be cloned. An error that is no
/// [`LayerError`] is logged under a reference.
pub trait LayeredService:
    Service<Call, Response = Answer, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static
{
}

impl<S> LayeredService for S where
    S: Service<Call, Response = Answer, Error: Into<BoxError>, Future: Send> + Clone + Send + 'static
{
}

/// A layer as a middleware.
pub(crate) struct Layered<L: Layer<NextService>> {
    state: Mutex<State<L>>,
}

/// The layer is applied with the first call: only then is it known what comes after it, and that stays.
enum State<L: Layer<NextService>> {
    Layer(L),
    Service(L::Service),
}

impl<L: Layer<NextService>> Layered<L> {
    pub(crate) fn new(layer: L) -> Self {
        Self { state: Mutex::new(State::Layer(layer)) }
    }
}

impl<L> Middleware for Layered<L>
where
    L: Layer<NextService, Service: LayeredService> + Send + 'static,
{
    fn around(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        // A layer that panicked is still a layer.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut service = match &*state {
            State::Service(service) => service.clone(),
            State::Layer(layer) => {
                let service = layer.layer(NextService(next));
                *state = State::Service(service.clone());
                service
            }
        };
        drop(state);
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(call_error)?;
            let answer = service.call(call);
            answer.await.map_err(call_error)
        })
    }
}

fn call_error(error: impl Into<BoxError>) -> CallError {
    match error.into().downcast::<LayerError>() {
        Ok(error) => error.0,
        Err(error) => CallError::Internal(error),
    }
}
