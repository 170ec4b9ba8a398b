//! The guide: what an author writes, chapter by chapter.
//!
//! 1. [Getting started](getting_started)
//! 2. [Tools](tools)
//! 3. [Resources and prompts](resources_and_prompts)
//! 4. [State, start and stop](state)
//! 5. [The context of a call](context)
//! 6. [Asking the user, the model and the client](asking)
//! 7. [Results that come later](tasks)
//! 8. [Errors](errors)
//! 9. [Testing](testing)
//! 10. [Middleware](middleware)
//! 11. [Programs and mounting](running)
//! 12. [Pages beside tools](apps)
//! 13. [Skills](skills)
//! 14. [What each revision sees](revisions)

#[doc = include_str!("getting_started.md")]
pub mod getting_started {}

#[doc = include_str!("tools.md")]
pub mod tools {}

#[doc = include_str!("resources_and_prompts.md")]
pub mod resources_and_prompts {}

#[doc = include_str!("state.md")]
pub mod state {}

#[doc = include_str!("context.md")]
pub mod context {}

#[doc = include_str!("asking.md")]
pub mod asking {}

#[doc = include_str!("errors.md")]
pub mod errors {}

#[doc = include_str!("testing.md")]
pub mod testing {}

#[doc = include_str!("middleware.md")]
pub mod middleware {}

#[doc = include_str!("running.md")]
pub mod running {}

#[doc = include_str!("tasks.md")]
pub mod tasks {}

#[doc = include_str!("apps.md")]
pub mod apps {}

#[doc = include_str!("skills.md")]
pub mod skills {}

#[doc = include_str!("revisions.md")]
pub mod revisions {}
