//! Values that an author shares with all handlers, by type.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// One value for each type.
#[derive(Clone, Default)]
pub struct States {
    values: HashMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>,
}

impl States {
    /// Adds a value; an earlier one of its type gives way.
    pub fn insert<T: Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(TypeId::of::<T>(), (type_name::<T>(), Arc::new(value)));
    }

    /// The value of a type.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.values.get(&TypeId::of::<T>()).and_then(|(_, value)| value.clone().downcast().ok())
    }

    /// Whether there is a value of the type with this id.
    pub fn contains(&self, id: TypeId) -> bool {
        self.values.contains_key(&id)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.values().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_its_value() {
        let mut states = States::default();
        states.insert(7_u8);
        states.insert("seven");
        states.insert(8_u8);
        assert_eq!(states.get::<u8>().as_deref(), Some(&8));
        assert_eq!(states.get::<&str>().as_deref(), Some(&"seven"));
        assert_eq!(states.get::<u16>(), None);
        assert!(states.contains(TypeId::of::<u8>()));
    }
}
