//! The server as a source.

use std::sync::{Arc, Weak};

use latimer_core::catalog::Catalog;
use latimer_core::source::{Definitions, Source, SourceError};
use latimer_core::{Answer, BoxFuture, Call, CallError, Operation, Outcome};
use parking_lot::Mutex;
use tokio::task::spawn_blocking;

use crate::NAME;
use crate::assets::Assets;
use crate::reply::{Failure, Reply};
use crate::resources::{Listing, templates};
use crate::tools::{Begun, TOOLS, Tool};
use crate::watch::Announcer;

/// The tools and resources of the assets server.
#[derive(Debug)]
pub(crate) struct AssetsSource {
    itself: Weak<Self>,
    pub(crate) assets: Arc<Assets>,
    catalog: Mutex<Weak<Catalog>>,
    announcer: Mutex<Option<Arc<Announcer>>>,
}

impl AssetsSource {
    pub(crate) fn new(assets: Arc<Assets>) -> Arc<Self> {
        Arc::new_cyclic(|itself| Self {
            itself: itself.clone(),
            assets,
            catalog: Mutex::default(),
            announcer: Mutex::default(),
        })
    }

    /// Tells the catalog what there is now, and who is subscribed what has changed. False where it is not loaded yet.
    pub(crate) fn announce(&self, before: &Listing, now: &Listing) -> bool {
        let (Some(itself), Some(catalog)) = (self.itself.upgrade(), self.catalog.lock().upgrade()) else {
            return false;
        };
        let itself: Arc<dyn Source> = itself;
        let replaced = definitions(now)
            .map_err(|error| error.to_string())
            .and_then(|definitions| catalog.replace(&itself, definitions).map_err(|error| error.to_string()));
        if let Err(error) = replaced {
            tracing::debug!(error, "the list of assets could not be renewed yet");
            return false;
        }
        before.changed(now).iter().for_each(|uri| catalog.update(uri));
        true
    }
}

/// All that the source contributes.
fn definitions(listing: &Listing) -> Result<Definitions, SourceError> {
    Ok(Definitions {
        tools: TOOLS.iter().map(Tool::definition).collect::<Result<_, _>>()?,
        resources: listing.resources()?,
        templates: templates()?,
        completes: true,
        ..Definitions::default()
    })
}

impl Source for AssetsSource {
    fn name(&self) -> &str {
        NAME
    }

    fn join(&self, catalog: &Arc<Catalog>) {
        *self.catalog.lock() = Arc::downgrade(catalog);
    }

    fn open(&self) -> BoxFuture<'_, Result<Definitions, SourceError>> {
        let (assets, itself) = (self.assets.clone(), self.itself.clone());
        Box::pin(async move {
            let opened = spawn_blocking(move || {
                // A folder that is too full still has its tools, which say so.
                let listing = Listing::of(&assets).unwrap_or_else(|failure| {
                    tracing::warn!(reason = ?failure, "schemas and examples are not listed as resources");
                    Listing::default()
                });
                let definitions = definitions(&listing)?;
                Ok((definitions, Announcer::start(&assets.settings, itself, listing)))
            });
            let failed = |error| SourceError::new("its folders could not be looked at").because(error);
            let (definitions, announcer) = opened.await.map_err(failed)??;
            *self.announcer.lock() = announcer.map(Arc::new);
            Ok(definitions)
        })
    }

    fn call(&self, call: Call) -> BoxFuture<'static, Outcome> {
        let assets = self.assets.clone();
        let announcer = self.announcer.lock().clone();
        Box::pin(async move {
            let outcome = answer(assets, call).await;
            if let Some(announcer) = announcer {
                announcer.looked();
            }
            outcome
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        // It ends with the last of those who hold it.
        drop(self.announcer.lock().take());
        Box::pin(std::future::ready(()))
    }
}

async fn answer(assets: Arc<Assets>, call: Call) -> Outcome {
    let context = call.context;
    match call.operation {
        Operation::CallTool { tool, arguments } => {
            let Some(tool) = Tool::named(tool.name()) else {
                return Err(CallError::invalid_params("there is no such tool"));
            };
            if tool.is_deprecated {
                tracing::warn!(
                    reason = "deprecated_alias",
                    method = tool.name,
                    "this tool is gone in 1.0; use validate_asset"
                );
            }
            let (looking, arguments) = (assets.clone(), arguments.into_raw());
            let begun =
                spawn_blocking(move || tool.begin(&looking, arguments.as_str(), &|| context.is_cancelled()));
            let answered = match begun.await? {
                Ok(Begun::Answered(reply)) => Ok(reply),
                Ok(Begun::Posting(post)) => assets.populate(post).await,
                Err(failure) => Err(failure),
            };
            Ok(Answer::Tool(told(answered).into_result()))
        }
        Operation::ReadResource { resource } => spawn_blocking(move || assets.read(resource.uri())).await?,
        Operation::ReadTemplate { uri, .. } => spawn_blocking(move || assets.read(&uri)).await?,
        Operation::CompleteTemplate { template, partial } => {
            let complete = move || assets.complete(template.uri_template(), &partial.value);
            Ok(Answer::Completion(spawn_blocking(complete).await?))
        }
        _ => Err(CallError::NoResource),
    }
}

/// The answer to a call. What the caller cannot mend is for the log, too.
fn told(answered: Result<Reply, Failure>) -> Reply {
    answered.unwrap_or_else(|failure| {
        if let Failure::Internal(detail) = &failure {
            tracing::error!(detail, "a tool of the assets failed");
        }
        failure.into_reply()
    })
}
