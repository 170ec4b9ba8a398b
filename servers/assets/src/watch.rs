//! Announcing what changes on disk.
//!
//! A thread of its own waits for the system to tell that something happened in one of the folders, lets it settle, looks at
//! both, and announces what differs from what was announced last, by contents: a file that was only touched is no news.
//! Calls never wait for it, and see for themselves what is on disk. Where the system cannot be asked to tell, the folders are
//! looked at every two seconds and after each call; where it is not to be asked, after each call.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use parking_lot::Mutex;

use crate::reply::Failure;
use crate::resources::Listing;
use crate::settings::Settings;
use crate::source::AssetsSource;

/// How long nothing has to happen before the folders are looked at.
const QUIET: Duration = Duration::from_millis(50);
/// How long they are not looked at if something happens all the time.
const LONGEST: Duration = Duration::from_secs(1);
/// How often they are looked at where they should be watched, and the system cannot.
const EVERY: Duration = Duration::from_secs(2);
/// When an announcement that was refused is made again.
const AGAIN: Duration = Duration::from_millis(100);

/// The thread that announces. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Announcer {
    said: Sender<Said>,
    is_watching: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// Something may have changed.
    Changed,
    /// A call has looked at the folders itself.
    Looked,
    /// That is all.
    End,
}

impl Announcer {
    /// Announces what differs from `listing` from now on. `None` where there can be no thread.
    pub(crate) fn start(settings: &Settings, source: Weak<AssetsSource>, listing: Listing) -> Option<Self> {
        let (said, heard) = channel();
        let is_watching = Arc::new(AtomicBool::new(false));
        let roots = [&settings.schemas_dir, &settings.examples_dir].map(|dir| Watched::new(dir));
        let mut folders = Folders {
            watcher: None,
            roots,
            near: Near::default(),
            is_watching: is_watching.clone(),
            wanted: settings.watch,
            has_warned: false,
        };
        if settings.watch {
            folders.watcher = watcher(folders.near.clone(), said.clone());
            folders.follow();
        }
        // What changed before it was watched is found by looking once more.
        let _ = said.send(Said::Changed);
        let work = move || announce(&heard, &source, folders, listing);
        let thread = std::thread::Builder::new().name("assets-watch".to_owned()).spawn(work);
        if let Err(error) = thread {
            tracing::warn!(%error, "changes of schemas and examples are not announced: there is no thread for it");
            return None;
        }
        Some(Self { said, is_watching })
    }

    /// A call is done. Where nobody else tells of changes, the folders are looked at.
    pub(crate) fn looked(&self) {
        if !self.is_watching.load(Ordering::Relaxed) {
            let _ = self.said.send(Said::Looked);
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        let _ = self.said.send(Said::End);
    }
}

fn announce(
    heard: &Receiver<Said>,
    source: &Weak<AssetsSource>,
    mut folders: Folders,
    mut announced: Listing,
) {
    let mut is_pending = false;
    loop {
        let first = match if is_pending { Some(AGAIN) } else { folders.every() } {
            Some(time) => match heard.recv_timeout(time) {
                Err(RecvTimeoutError::Timeout) => Ok(Said::Looked),
                other => other.map_err(|_| ()),
            },
            None => heard.recv().map_err(|_| ()),
        };
        match first {
            Ok(Said::Changed) => {
                if !settles(heard) {
                    return;
                }
            }
            Ok(Said::Looked) => {}
            Ok(Said::End) | Err(()) => return,
        }
        // First the watch, then the look: what happens between the two is told.
        folders.follow();
        let Some(source) = source.upgrade() else { return };
        match Listing::of(&source.assets) {
            Ok(now) if now == announced => is_pending = false,
            Ok(now) => {
                is_pending = !source.announce(&announced, &now);
                if !is_pending {
                    announced = now;
                }
            }
            Err(failure) => folders.warn_of(&failure),
        }
    }
}

/// Waits until nothing happens for a while. False when that is all.
fn settles(heard: &Receiver<Said>) -> bool {
    let until = Instant::now() + LONGEST;
    while Instant::now() < until {
        match heard.recv_timeout(QUIET) {
            Ok(Said::Changed | Said::Looked) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Ok(Said::End) | Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
    true
}

/// The folders that are watched, wherever they are.
struct Folders {
    watcher: Option<RecommendedWatcher>,
    roots: [Watched; 2],
    near: Near,
    is_watching: Arc<AtomicBool>,
    /// Whether they are to be watched at all.
    wanted: bool,
    has_warned: bool,
}

/// Where what happens is of interest: the folders as they are named, and as they are without links.
type Near = Arc<Mutex<Vec<PathBuf>>>;

/// One of them.
#[derive(Debug)]
struct Watched {
    root: PathBuf,
    /// What the watch on the folder was set on.
    inner: Option<Identity>,
    /// The nearest folder above that is there, and what the watch on it was set on: it tells when the folder itself comes, goes
    /// or is replaced.
    outer: Option<(PathBuf, Identity)>,
}

/// What tells a folder from one that took its place.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity(PathBuf, u64, u64);

impl Identity {
    fn of(dir: &Path) -> Option<Self> {
        let path = dir.canonicalize().ok()?;
        let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_dir)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            Some(Self(path, metadata.dev(), metadata.ino()))
        }
        #[cfg(not(unix))]
        {
            let since = metadata.created().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
            Some(Self(path, since.map_or(0, |since| since.as_nanos() as u64), 0))
        }
    }
}

impl Watched {
    fn new(dir: &Path) -> Self {
        // What the system tells is of absolute paths.
        let root = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
        Self { root, inner: None, outer: None }
    }

    /// Watches the folder as it is now, and what is above it.
    fn follow(&mut self, watcher: &mut RecommendedWatcher, all: &[PathBuf]) -> notify::Result<()> {
        let above = self.root.ancestors().skip(1).find_map(|dir| Some((dir.to_owned(), Identity::of(dir)?)));
        if above != self.outer {
            if let Some((before, _)) = self.outer.take() {
                // It may be gone.
                let _ = watcher.unwatch(&before);
            }
            // Where one folder lies in the other, that one's watch must not be taken for a lesser one.
            let is_within = |identity: &Identity| all.iter().any(|dir| identity.0.starts_with(dir));
            if let Some((dir, identity)) = &above
                && !is_within(identity)
            {
                watcher.watch(dir, RecursiveMode::NonRecursive)?;
            }
            self.outer = above;
        }
        let inner = Identity::of(&self.root);
        if inner != self.inner {
            if let Some(before) = self.inner.take() {
                let _ = watcher.unwatch(&before.0);
            }
            if let Some(dir) = &inner {
                watcher.watch(&dir.0, RecursiveMode::Recursive)?;
            }
            self.inner = inner;
        }
        Ok(())
    }
}

impl Folders {
    fn follow(&mut self) {
        let Some(watcher) = &mut self.watcher else { return };
        let real = self.roots.iter().filter_map(|watched| Some(Identity::of(&watched.root)?.0));
        let real: Vec<_> = real.collect();
        let named = self.roots.iter().map(|watched| &watched.root);
        *self.near.lock() = named.chain(&real).cloned().collect();
        let followed = self.roots.iter_mut().try_for_each(|root| root.follow(watcher, &real));
        self.is_watching.store(followed.is_ok(), Ordering::Relaxed);
        match followed {
            Ok(()) => self.has_warned = false,
            Err(error) if !self.has_warned => {
                self.has_warned = true;
                warn(&error);
            }
            Err(_) => {}
        }
    }

    /// How often they have to be looked at, as nobody tells of changes.
    fn every(&self) -> Option<Duration> {
        (self.wanted && !self.is_watching.load(Ordering::Relaxed)).then_some(EVERY)
    }

    fn warn_of(&mut self, failure: &Failure) {
        if !self.has_warned {
            self.has_warned = true;
            tracing::warn!(
                reason = ?failure,
                "schemas and examples stay listed as they were; make the folders readable, or divide them between servers"
            );
        }
    }
}

fn watcher(near: Near, said: Sender<Said>) -> Option<RecommendedWatcher> {
    let is_near =
        move |path: &PathBuf| near.lock().iter().any(|root| path.starts_with(root) || root.starts_with(path));
    let tell = move |event: notify::Result<Event>| {
        let is_news = match &event {
            // Reading is none. All that writes is told in another way, too.
            Ok(event) => {
                !matches!(event.kind, EventKind::Access(_))
                    && (event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(&is_near))
            }
            Err(error) => {
                tracing::warn!(%error, "a change of schemas or examples may have been missed");
                true
            }
        };
        if is_news {
            let _ = said.send(Said::Changed);
        }
    };
    // A link may lead anywhere: nobody wants all that is there to be watched.
    let config = notify::Config::default().with_follow_symlinks(false);
    RecommendedWatcher::new(tell, config).inspect_err(warn).ok()
}

fn warn(error: &notify::Error) {
    tracing::warn!(
        %error,
        "the folders of schemas and examples cannot be watched, and are looked at every two seconds; raise \
         fs.inotify.max_user_watches and max_user_instances if they are used up, or set watch: false"
    );
}
