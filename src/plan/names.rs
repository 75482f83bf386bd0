//! What groups and filters are called.

use std::collections::HashMap;

/// Display names by id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    groups: HashMap<String, String>,
    filters: HashMap<String, String>,
    /// How many of the known groups have a name.
    bearers: HashMap<String, usize>,
}

impl Names {
    /// Returns a group's display name.
    pub fn group(&self, id: &str) -> Option<&str> {
        self.groups.get(id).map(String::as_str)
    }

    /// Returns an assignment filter's display name.
    pub fn filter(&self, id: &str) -> Option<&str> {
        self.filters.get(id).map(String::as_str)
    }

    /// Takes in a group's display name, also a new one.
    pub fn add_group(&mut self, id: String, name: String) {
        *self.bearers.entry(name.clone()).or_default() += 1;
        if let Some(former) = self.groups.insert(id, name)
            && let Some(bearers) = self.bearers.get_mut(&former)
        {
            *bearers -= 1;
        }
    }

    /// Takes in an assignment filter's display name.
    pub fn add_filter(&mut self, id: String, name: String) {
        self.filters.insert(id, name);
    }

    /// Whether another known group has the same display name, so that the name alone says too little.
    pub fn shares_group_name(&self, id: &str) -> bool {
        let bearers = self.groups.get(id).and_then(|name| self.bearers.get(name));
        bearers.is_some_and(|number| *number > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_shared_as_long_as_two_groups_have_it() {
        let mut names = Names::default();
        names.add_group("a".to_owned(), "Pilot".to_owned());
        names.add_group("a".to_owned(), "Pilot".to_owned());
        assert!(!names.shares_group_name("a"));
        names.add_group("b".to_owned(), "Pilot".to_owned());
        assert!(names.shares_group_name("a"));
        assert!(!names.shares_group_name("c"));
        names.add_group("b".to_owned(), "Broad".to_owned());
        assert!(!names.shares_group_name("a"));
        assert_eq!(names.group("b"), Some("Broad"));
    }
}
