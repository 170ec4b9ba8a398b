//! What the service manager is told, where one started the process (sd_notify(3)).

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// The process serves.
    Ready,
    /// It stops.
    Stopping,
    /// It reads its configuration again; [`State::Ready`] follows.
    Reloading,
}

/// Tells the service manager, if there is one. One that does not listen is no reason to stop.
#[cfg(target_os = "linux")]
pub(crate) fn tell(state: State) {
    use sd_notify::NotifyState;

    let told = match state {
        State::Ready => sd_notify::notify(&[NotifyState::Ready]),
        State::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
        // Without its time, `Type=notify-reload` takes the message for an old one.
        State::Reloading => NotifyState::monotonic_usec_now()
            .and_then(|now| sd_notify::notify(&[NotifyState::Reloading, now])),
    };
    if let Err(error) = told {
        tracing::warn!(%error, ?state, "the service manager could not be told");
    }
}

/// Tells the service manager that the process is alive, twice in the time that it allows, for as long as this is polled.
/// It is the runtime that is shown to be alive, since the runtime polls it.
#[cfg(target_os = "linux")]
pub(crate) async fn keep_alive() {
    let Some(most) = sd_notify::watchdog_enabled().filter(|most| !most.is_zero()) else {
        return std::future::pending().await;
    };
    let mut every = tokio::time::interval(most / 2);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        if let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]) {
            tracing::warn!(%error, "the service manager could not be told that the process is alive");
        }
    }
}

/// There is no service manager to tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn tell(_: State) {}

/// There is no service manager to tell.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn keep_alive() {
    std::future::pending().await
}
