//! What the process is asked for by signals, and how it ends by one.

#[cfg(unix)]
use std::io::IsTerminal as _;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A signal that ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGTERM: a supervisor, or `kill`.
    Terminate,
    /// SIGHUP of a terminal that is closed.
    Hangup,
}

/// What the process is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To stop.
    Stop(Signal),
    /// To read its configuration again: SIGHUP, unless the terminal has gone that the process was started at.
    Reload,
}

/// The requests that come in, from when it is made.
#[derive(Debug)]
pub(crate) struct Signals {
    asked: UnboundedReceiver<Asked>,
    #[cfg(unix)]
    handle: signal_hook::iterator::Handle,
}

impl Signal {
    fn number(self) -> i32 {
        match self {
            Self::Interrupt => 2,
            Self::Terminate => 15,
            Self::Hangup => 1,
        }
    }

    /// Ends the process as the signal would have done, had it not been caught: whoever waits for the process sees which
    /// signal it was; a shell makes 130 or 143 of it.
    ///
    /// The first process of a container cannot be ended by its own signals; it exits with that number instead.
    pub fn end_process(self) -> ! {
        #[cfg(unix)]
        if std::process::id() != 1 {
            // Returns only for signals that it does not know.
            let _ = signal_hook::low_level::emulate_default_handler(self.number());
        }
        std::process::exit(128 + self.number())
    }
}

#[cfg(unix)]
impl Signals {
    /// Begins to heed signals.
    ///
    /// They are taken in a thread of their own: however busy the runtime is, the second one gets through.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub(crate) fn heed() -> std::io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

        let at_terminal = std::io::stdin().is_terminal();
        let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let (sender, asked) = unbounded_channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                let one = match signal {
                    SIGINT => Asked::Stop(Signal::Interrupt),
                    SIGTERM => Asked::Stop(Signal::Terminate),
                    // Whoever closes the terminal does not want the program to go on unseen.
                    _ if at_terminal && !std::io::stdin().is_terminal() => Asked::Stop(Signal::Hangup),
                    _ => Asked::Reload,
                };
                if sender.send(one).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { asked, handle })
    }
}

#[cfg(unix)]
impl Drop for Signals {
    fn drop(&mut self) {
        self.handle.close();
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Begins to heed Ctrl-C.
    ///
    /// # Errors
    /// Never.
    pub(crate) fn heed() -> std::io::Result<Self> {
        let (sender, asked) = unbounded_channel();
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                if sender.send(Asked::Stop(Signal::Interrupt)).is_err() {
                    break;
                }
            }
        });
        Ok(Self { asked })
    }
}

impl Signals {
    /// The next request.
    pub(crate) async fn next(&mut self) -> Asked {
        match self.asked.recv().await {
            Some(asked) => asked,
            // Nobody can ask any more.
            None => std::future::pending().await,
        }
    }

    /// The next request to stop; others are dropped.
    pub(crate) async fn stop(&mut self) -> Signal {
        loop {
            if let Asked::Stop(signal) = self.next().await {
                return signal;
            }
        }
    }
}
