//! What an isolate knew a moment ago: the only thing that requests share.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use homeroom_kernel::Timestamp;

/// Values by text key that are believed for a short while. When it is full it starts afresh.
pub(crate) struct Recent<V> {
    life_millis: i64,
    max_entries: usize,
    entries: Mutex<HashMap<String, (Timestamp, V)>>,
}

impl<V: Clone> Recent<V> {
    pub(crate) fn new(life_millis: i64, max_entries: usize) -> Self {
        Self {
            life_millis,
            max_entries,
            entries: Mutex::default(),
        }
    }

    pub(crate) fn get(&self, key: &str, now: Timestamp) -> Option<V> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, value) = entries.get(key)?;
        let age = now.millis() - since.millis();
        (0..self.life_millis).contains(&age).then(|| value.clone())
    }

    pub(crate) fn put(&self, key: String, value: V, now: Timestamp) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.max_entries {
            entries.clear();
        }
        entries.insert(key, (now, value));
    }

    pub(crate) fn forget(&self, forgotten: impl Fn(&V) -> bool) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, (_, value)| !forgotten(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_believed_for_its_life_and_no_longer() {
        let recent = Recent::new(2_000, 10);
        let at = Timestamp::from_millis;
        recent.put("a".to_owned(), 1, at(10_000));
        assert_eq!(recent.get("a", at(11_999)), Some(1));
        assert_eq!(recent.get("a", at(12_000)), None);
        assert_eq!(
            recent.get("a", at(9_999)),
            None,
            "a clock that went back is not trusted"
        );
        assert_eq!(recent.get("b", at(10_000)), None);
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let recent = Recent::new(2_000, 10);
        for n in 0..1_000 {
            recent.put(n.to_string(), n, Timestamp::from_millis(0));
        }
        assert!(recent.entries.lock().unwrap().len() <= 10);
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let recent = Recent::new(2_000, 10);
        recent.put("a".to_owned(), 1, Timestamp::from_millis(0));
        recent.put("b".to_owned(), 2, Timestamp::from_millis(0));
        recent.forget(|value| *value == 1);
        assert_eq!(recent.get("a", Timestamp::from_millis(1)), None);
        assert_eq!(recent.get("b", Timestamp::from_millis(1)), Some(2));
    }
}
