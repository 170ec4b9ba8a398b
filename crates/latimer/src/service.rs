//! A server inside another application.

use latimer_transport::http::{HttpOptions, HttpService};

use crate::Server;
use crate::error::{BuildError, Fault};

impl Server {
    /// The server as a tower service, to be mounted at `/mcp` in an application of one's own:
    ///
    /// ```
    /// # use latimer::prelude::*;
    /// # async fn mount(server: Server) -> latimer::Result {
    /// let app = axum::Router::<()>::new().route_service("/mcp", server.into_service().await?);
    /// # drop(app);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub async fn into_service(self) -> Result<HttpService, BuildError> {
        self.into_service_with(HttpOptions::default()).await
    }

    /// As [`into_service`](Self::into_service), with options: another path, hosts and origins that are let in.
    ///
    /// # Errors
    /// As [`build`](Self::build), and when an option cannot be.
    pub async fn into_service_with(self, options: HttpOptions) -> Result<HttpService, BuildError> {
        options.check().map_err(Fault::Options)?;
        let engine = self.build().await?;
        Ok(HttpService::new(engine, options).map_err(Fault::Options)?)
    }
}
