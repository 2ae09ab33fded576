//! A cache for tasks: the first to ask for a key loads it, the others wait until it is there.

use counterpoint::sync::{Mutex, Notify};
use std::collections::BTreeMap;
use std::future::Future;

#[derive(Debug)]
enum Entry {
    Loading,
    Ready(u32),
}

/// What both caches can do.
pub trait Cache: Default + Send + Sync + 'static {
    /// The value of `key`, loaded by `load` if it is not there yet.
    fn get<L: Future<Output = u32> + Send>(
        &self,
        key: u32,
        load: L,
    ) -> impl Future<Output = u32> + Send;
}

/// **Has a bug**: a task that is dropped while it loads leaves its mark, and whoever asks for the
/// key after that waits for ever. And it looks before it listens, so that the end of the loading
/// may fall in between.
#[derive(Debug, Default)]
pub struct Careless {
    entries: Mutex<BTreeMap<u32, Entry>>,
    loaded: Notify,
}

impl Cache for Careless {
    async fn get<L: Future<Output = u32> + Send>(&self, key: u32, load: L) -> u32 {
        loop {
            match self.look(key) {
                Some(Entry::Ready(value)) => return value,
                Some(Entry::Loading) => self.loaded.notified().await,
                None => {
                    let value = load.await;
                    self.entries.lock().insert(key, Entry::Ready(value));
                    self.loaded.notify_all();
                    return value;
                }
            }
        }
    }
}

impl Careless {
    /// What there is; if nothing, marks that the caller loads it.
    fn look(&self, key: u32) -> Option<Entry> {
        look(&mut self.entries.lock(), key)
    }
}

fn look(entries: &mut BTreeMap<u32, Entry>, key: u32) -> Option<Entry> {
    match entries.get(&key) {
        Some(Entry::Ready(value)) => Some(Entry::Ready(*value)),
        Some(Entry::Loading) => Some(Entry::Loading),
        None => {
            entries.insert(key, Entry::Loading);
            None
        }
    }
}

/// Listens before it looks, and takes its mark away however the loading ends.
#[derive(Debug, Default)]
pub struct Careful {
    entries: Mutex<BTreeMap<u32, Entry>>,
    loaded: Notify,
}

impl Cache for Careful {
    async fn get<L: Future<Output = u32> + Send>(&self, key: u32, load: L) -> u32 {
        loop {
            // Made before the look: it receives whatever is told from now on.
            let loaded = self.loaded.notified();
            let found = look(&mut self.entries.lock(), key);
            match found {
                Some(Entry::Ready(value)) => return value,
                Some(Entry::Loading) => loaded.await,
                None => {
                    let mut mark = Mark {
                        cache: self,
                        key,
                        value: None,
                    };
                    let value = load.await;
                    mark.value = Some(value);
                    return value;
                }
            }
        }
    }
}

/// While it lives, the key is being loaded.
struct Mark<'c> {
    cache: &'c Careful,
    key: u32,
    value: Option<u32>,
}

impl Drop for Mark<'_> {
    fn drop(&mut self) {
        let mut entries = self.cache.entries.lock();
        match self.value {
            Some(value) => entries.insert(self.key, Entry::Ready(value)),
            None => entries.remove(&self.key),
        };
        drop(entries);
        self.cache.loaded.notify_all();
    }
}
