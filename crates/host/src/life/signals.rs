//! What the process is asked for by signals, and how it ends by one.

#[cfg(unix)]
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(unix)]
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::failure::Failure;

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

/// The requests that come in, from when it is made: make it first of all, so that there is no time at which a process that
/// is asked to stop ends without a word.
///
/// Until a [`Host`](crate::Host) has it there is nobody to see to an orderly end. What takes longer than a second then, such
/// as a configuration on a file system that does not answer, is ended by the signal, and by a second one at once.
#[derive(Debug)]
pub struct Signals {
    asked: UnboundedReceiver<Asked>,
    /// The number of the last signal that asked to stop. It is set where the system delivers the signal, and so is known
    /// before the request comes.
    last: Arc<AtomicUsize>,
    attended: Arc<AtomicBool>,
    /// Signals do again what they do by themselves.
    #[cfg(unix)]
    over: Arc<AtomicBool>,
    #[cfg(unix)]
    handle: signal_hook::iterator::Handle,
    #[cfg(not(unix))]
    sender: tokio::sync::mpsc::UnboundedSender<Asked>,
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

/// How long what cannot be interrupted may go on after somebody has asked the process to stop.
#[cfg(unix)]
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(unix)]
impl Signals {
    /// Begins to heed signals.
    ///
    /// They are taken in a thread of their own: however busy the runtime is, the second one gets through.
    ///
    /// # Errors
    /// When the system refuses to tell.
    pub fn heed() -> Result<Self, Failure> {
        Self::heed_all().map_err(|error| Failure::runtime(format_args!("begin to heed signals: {error}")))
    }

    fn heed_all() -> std::io::Result<Self> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

        let at_terminal = std::io::stdin().is_terminal();
        let mut signals = signal_hook::iterator::Signals::new([SIGHUP, SIGINT, SIGTERM])?;
        let handle = signals.handle();
        let (last, attended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let over = Arc::new(AtomicBool::new(false));
        // After the iterator, which they would have nobody hear of a signal without.
        for signal in [Signal::Interrupt, Signal::Terminate] {
            let number = signal.number();
            signal_hook::flag::register_usize(number, last.clone(), number.unsigned_abs() as usize)?;
        }
        // Whoever goes on when nobody heeds signals any more is ended by them as any other process.
        for signal in [SIGHUP, SIGINT, SIGTERM] {
            signal_hook::flag::register_conditional_default(signal, over.clone())?;
        }
        let (sender, asked) = unbounded_channel();
        let somebody = attended.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut asked_before = false;
            for signal in signals.forever() {
                let one = match signal {
                    SIGINT => Asked::Stop(Signal::Interrupt),
                    SIGTERM => Asked::Stop(Signal::Terminate),
                    // Whoever closes the terminal does not want the program to go on unseen.
                    _ if at_terminal && !std::io::stdin().is_terminal() => Asked::Stop(Signal::Hangup),
                    _ => Asked::Reload,
                };
                if let Asked::Stop(signal) = one
                    && !somebody.load(Ordering::Acquire)
                {
                    if std::mem::replace(&mut asked_before, true) {
                        signal.end_process();
                    }
                    end_unless_attended(signal, somebody.clone());
                }
                if sender.send(one).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { asked, last, attended, over, handle })
    }
}

/// Ends the process if nobody sees to its end in time.
#[cfg(unix)]
fn end_unless_attended(signal: Signal, attended: Arc<AtomicBool>) {
    let watch = std::thread::Builder::new().spawn(move || {
        std::thread::sleep(PATIENCE);
        if !attended.load(Ordering::Acquire) {
            signal.end_process();
        }
    });
    if watch.is_err() {
        signal.end_process();
    }
}

#[cfg(unix)]
impl Drop for Signals {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.handle.close();
    }
}

#[cfg(not(unix))]
impl Signals {
    /// Begins to heed Ctrl-C, which ends the process until it is attended to.
    ///
    /// # Errors
    /// Never.
    pub fn heed() -> Result<Self, Failure> {
        let (sender, asked) = unbounded_channel();
        Ok(Self { asked, last: Arc::default(), attended: Arc::default(), sender })
    }
}

impl Signals {
    /// From now on somebody sees to an orderly end. Has to be called within a runtime.
    pub(crate) fn attend(&self) {
        self.attended.store(true, Ordering::Release);
        #[cfg(not(unix))]
        {
            let sender = self.sender.clone();
            tokio::spawn(async move {
                while tokio::signal::ctrl_c().await.is_ok() {
                    if sender.send(Asked::Stop(Signal::Interrupt)).is_err() {
                        break;
                    }
                }
            });
        }
    }

    /// The signal that last asked the process to stop, even if the request has not come through yet.
    pub(crate) fn last(&self) -> Option<Signal> {
        let last = self.last.load(Ordering::Acquire);
        [Signal::Interrupt, Signal::Terminate]
            .into_iter()
            .find(|signal| signal.number().unsigned_abs() as usize == last)
    }

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
