//! Why a server cannot be built.

use latimer_core::catalog::CatalogError;
use latimer_core::source::SourceError;
use latimer_skills::SkillsError;
use latimer_transport::http::OptionsError;

use crate::app::AppFault;
use crate::schema::SchemaFault;

/// Why a server cannot be built: what is wrong with its parts, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BuildError(#[from] pub(crate) Fault);

/// Why a tool, resource or prompt could not be added to or removed from a running server. Nothing has
/// changed then.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct HandleError(#[from] pub(crate) Fault);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{entry} needs State<{type_name}>; give the server one with .state(value)")]
    MissingState { entry: String, type_name: &'static str },
    #[error("{entry} is there twice; {mend}")]
    Twice { entry: String, mend: &'static str },
    #[error("{entry}: {fault}")]
    Schema { entry: String, fault: SchemaFault },
    #[error("{entry}: {fault}")]
    App { entry: String, fault: AppFault },
    #[error("{entry} cannot be written as JSON: {error}")]
    Json { entry: String, error: serde_json::Error },
    #[error("the skills: {0}")]
    Skills(#[from] SkillsError),
    #[error("the skills cannot be written as JSON: {0}")]
    SkillsJson(serde_json::Error),
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("mount the server: {0}")]
    Options(OptionsError),
    #[error("the server does not run yet; add its first tools, resources and prompts before it starts")]
    NotRunning,
    #[error(
        "server \"{0}\" has sources besides its own functions; load them side by side instead of as one source"
    )]
    NotOneSource(String),
}
