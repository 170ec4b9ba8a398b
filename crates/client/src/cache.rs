//! Results that hold for a while (CACHE-1 to CACHE-5).

use std::collections::HashMap;
use std::time::Duration;

use latimer_protocol::RawJson;
use latimer_protocol::rewrite::{decode_string, member};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::options::ClientLimits;

/// However long a server says that a result holds, it is not kept for longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Results of one server by what was asked and under which credentials (CACHE-4), bounded in number and bytes.
pub(crate) struct Cache {
    entries: usize,
    bytes: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    kept: HashMap<Key, Kept>,
    bytes: usize,
    /// How often something was forgotten: a result that was under way then may be stale.
    epoch: u64,
}

/// What was asked, and by whom.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) method: String,
    pub(crate) params: String,
    /// Stands for the credentials.
    pub(crate) principal: u64,
}

struct Kept {
    result: RawJson,
    until: Instant,
}

impl Cache {
    pub(crate) fn new(limits: &ClientLimits) -> Self {
        Self { entries: limits.cache_entries, bytes: limits.cache_bytes, state: Mutex::default() }
    }

    /// A result that still holds.
    pub(crate) fn get(&self, key: &Key) -> Option<RawJson> {
        let state = self.state.lock();
        state.kept.get(key).filter(|kept| kept.until > Instant::now()).map(|kept| kept.result.clone())
    }

    /// To be taken before a request is sent whose result may be kept.
    pub(crate) fn epoch(&self) -> u64 {
        self.state.lock().epoch
    }

    /// Keeps a result for as long as it says that it holds, unless something was forgotten since `epoch`.
    pub(crate) fn put(&self, epoch: u64, key: Key, result: &RawJson) {
        let Some(ttl) = ttl(result) else { return };
        let size = size(&key, result);
        let mut state = self.state.lock();
        if state.epoch != epoch || self.entries == 0 || size > self.bytes {
            return;
        }
        state.remove(&key);
        let now = Instant::now();
        if state.kept.len() >= self.entries || state.bytes + size > self.bytes {
            state.retain(|_, kept| kept.until > now);
        }
        while state.kept.len() >= self.entries || state.bytes + size > self.bytes {
            let soonest = state.kept.iter().min_by_key(|(_, kept)| kept.until).map(|(key, _)| key.clone());
            match soonest {
                Some(soonest) => state.remove(&soonest),
                None => break,
            }
        }
        state.bytes += size;
        state.kept.insert(key, Kept { result: result.clone(), until: now + ttl });
    }

    /// Forgets the results of these methods.
    pub(crate) fn forget(&self, methods: &[&str]) {
        self.state.lock().forget(|key| methods.contains(&key.method.as_str()));
    }

    /// Forgets what was read of a resource, of those within it and those that it lies in (SUB-7).
    pub(crate) fn forget_resource(&self, uri: &str) {
        self.state.lock().forget(|key| {
            let read = member(&key.params, "uri").ok().flatten().and_then(decode_string);
            key.method == "resources/read"
                && read.is_some_and(|read| read.starts_with(uri) || uri.starts_with(&*read))
        });
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.state.lock().forget(|_| true);
    }
}

impl State {
    fn forget(&mut self, stale: impl Fn(&Key) -> bool) {
        self.epoch += 1;
        self.retain(|key, _| !stale(key));
    }

    fn retain(&mut self, keep: impl Fn(&Key, &Kept) -> bool) {
        let bytes = &mut self.bytes;
        self.kept.retain(|key, kept| {
            let stays = keep(key, kept);
            if !stays {
                *bytes -= size(key, &kept.result);
            }
            stays
        });
    }

    fn remove(&mut self, key: &Key) {
        if let Some(kept) = self.kept.remove(key) {
            self.bytes -= size(key, &kept.result);
        }
    }
}

fn size(key: &Key, result: &RawJson) -> usize {
    key.method.len() + key.params.len() + result.as_str().len()
}

/// How long a result holds; missing and negative times are none (CACHE-3).
fn ttl(result: &RawJson) -> Option<Duration> {
    let ms: f64 = member(result.as_str(), "ttlMs").ok().flatten()?.parse().ok()?;
    let longest = LONGEST.as_secs_f64() * 1000.0;
    (ms >= 1.0).then(|| Duration::from_secs_f64(ms.min(longest) / 1000.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cache(entries: usize, bytes: usize) -> Cache {
        Cache::new(&ClientLimits { cache_entries: entries, cache_bytes: bytes, ..ClientLimits::default() })
    }

    fn key(method: &str, params: &str) -> Key {
        Key { method: method.to_owned(), params: params.to_owned(), principal: 0 }
    }

    fn result(text: &str) -> RawJson {
        RawJson::parse(text.to_owned()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn cache_3_a_result_is_kept_until_its_time_has_run_out() {
        let cache = cache(8, 1000);
        let listed = key("tools/list", "{}");
        for stale in [r"{}", r#"{"ttlMs":0}"#, r#"{"ttlMs":-5}"#, r#"{"ttlMs":"9"}"#] {
            cache.put(cache.epoch(), listed.clone(), &result(stale));
            assert!(cache.get(&listed).is_none(), "{stale}");
        }
        cache.put(cache.epoch(), listed.clone(), &result(r#"{"ttlMs":1000}"#));
        tokio::time::advance(Duration::from_millis(999)).await;
        assert!(cache.get(&listed).is_some());
        assert!(cache.get(&key("tools/list", r#"{"cursor":""}"#)).is_none());
        assert!(cache.get(&Key { principal: 1, ..listed.clone() }).is_none(), "CACHE-4");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(cache.get(&listed).is_none());
    }

    #[tokio::test]
    async fn cache_3_what_changed_is_forgotten_even_if_it_was_under_way() {
        let cache = cache(8, 1000);
        let (listed, read) = (key("tools/list", "{}"), key("resources/read", r#"{"uri":"a://b/c"}"#));
        let lasting = result(r#"{"ttlMs":1000}"#);
        let epoch = cache.epoch();
        cache.put(epoch, listed.clone(), &lasting);
        cache.put(epoch, read.clone(), &lasting);
        cache.forget(&["tools/list"]);
        assert!(cache.get(&listed).is_none() && cache.get(&read).is_some());
        cache.put(epoch, listed.clone(), &lasting);
        assert!(cache.get(&listed).is_none());
        cache.forget_resource("a://b/c/d");
        assert!(cache.get(&read).is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_cache_keeps_within_its_bounds(sizes in proptest::collection::vec((0u8..9, 0usize..120, 1u32..9), 0..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let cache = cache(4, 300);
                for (name, length, ttl) in sizes {
                    let text = format!(r#"{{"ttlMs":{ttl}000,"x":"{}"}}"#, "x".repeat(length));
                    cache.put(cache.epoch(), key("m", &name.to_string()), &result(&text));
                    let state = cache.state.lock();
                    let bytes: usize = state.kept.iter().map(|(key, kept)| size(key, &kept.result)).sum();
                    assert_eq!(bytes, state.bytes);
                    assert!(bytes <= 300 && state.kept.len() <= 4);
                }
            });
        }
    }
}
