//! Users, devices, and who is a member of which group.

use std::collections::{HashMap, HashSet};

use crate::tenant::{Device, Group, Tenant, User};

/// What an object of the directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemberType {
    Device,
    User,
    Group,
}

impl MemberType {
    pub(crate) const ALL: [Self; 3] = [Self::Device, Self::User, Self::Group];

    /// Returns the name without the namespace, which paths are read without.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

impl Tenant {
    /// Finds a user by id or sign-in name.
    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        let mut users = self.users.iter();
        users.find(|user| {
            user.id.eq_ignore_ascii_case(id) || user.user_principal_name.eq_ignore_ascii_case(id)
        })
    }

    /// Finds a device by its id.
    pub(crate) fn device(&self, id: &str) -> Option<&Device> {
        let mut devices = self.devices.iter();
        devices.find(|device| device.id.eq_ignore_ascii_case(id))
    }

    /// Returns the groups that an object is a member of, by itself or through other groups. Groups may
    /// be members of each other in a circle, and then a group is a member of itself.
    pub(crate) fn transitive_groups(&self, id: &str) -> Vec<&Group> {
        let mut found: Vec<&Group> = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![id];
        while let Some(member) = open.pop() {
            let holds = |group: &&Group| {
                let mut members = group.members.iter();
                members.any(|known| known.eq_ignore_ascii_case(member))
            };
            for group in self.groups.iter().filter(holds) {
                if seen.insert(group.id.to_ascii_lowercase()) {
                    found.push(group);
                    open.push(&group.id);
                }
            }
        }
        found.sort_by_key(|group| self.groups.iter().position(|other| other.id == group.id));
        found
    }

    /// Returns all members of a group, those of the groups in it among them, in the order of the ids.
    pub(crate) fn transitive_members(&self, group: &Group) -> Vec<(String, MemberType)> {
        self.members_by(group, |group| group.members.clone())
    }

    /// Does so with what is taken for the own members of each group.
    pub(crate) fn members_by(
        &self,
        group: &Group,
        own: impl Fn(&Group) -> Vec<String>,
    ) -> Vec<(String, MemberType)> {
        let groups = self.groups.iter().map(|one| (&one.id, MemberType::Group));
        let users = self.users.iter().map(|one| (&one.id, MemberType::User));
        let devices = self.devices.iter().map(|one| (&one.id, MemberType::Device));
        let known: HashMap<String, MemberType> = groups
            .chain(users)
            .chain(devices)
            .map(|(id, kind)| (id.to_ascii_lowercase(), kind))
            .collect();
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let mut open = vec![group];
        while let Some(group) = open.pop() {
            for id in own(group) {
                let id = id.to_ascii_lowercase();
                let Some(kind) = known.get(&id) else { continue };
                if !seen.insert(id.clone()) {
                    continue;
                }
                if *kind == MemberType::Group {
                    open.extend(self.group(&id));
                }
                found.push((id, *kind));
            }
        }
        found.sort_by(|(one, _), (other, _)| one.cmp(other));
        found
    }

    /// Checks that members exist; gives the message and the id that is to blame.
    pub(crate) fn check_members(&self) -> Result<(), (String, String)> {
        let groups = self.groups.iter().map(|group| &group.id);
        let users = self.users.iter().map(|user| &user.id);
        let devices = self.devices.iter().map(|device| &device.id);
        let all = groups.chain(users).chain(devices);
        let known: HashSet<String> = all.map(|id| id.to_ascii_lowercase()).collect();
        for group in &self.groups {
            let mut members = group.members.iter();
            if let Some(gone) = members.find(|id| !known.contains(&id.to_ascii_lowercase())) {
                return Err((
                    format!(
                        "group `{}` has the member `{gone}`, which is not a user, device or group",
                        group.display_name
                    ),
                    gone.clone(),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn tenant() -> Tenant {
        let mut tenant = Tenant::empty();
        let ids: Vec<String> = ["A", "B", "C", "D"]
            .map(|name| tenant.add_group(name))
            .to_vec();
        tenant.users.push(User {
            id: "99999999-0000-4000-8000-000000000001".to_owned(),
            user_principal_name: "u@x".to_owned(),
            properties: Map::new(),
        });
        let user = tenant.users[0].id.clone();
        tenant.groups[1].members = vec![user];
        tenant.groups[0].members = vec![ids[1].to_uppercase()];
        tenant.groups[2].members = vec![ids[0].clone(), ids[2].clone()];
        tenant
    }

    fn groups_of(tenant: &Tenant, id: &str) -> Vec<String> {
        let groups = tenant.transitive_groups(id);
        let names = groups.iter().map(|group| group.display_name.clone());
        names.collect()
    }

    #[test]
    fn memberships_go_through_groups_and_end_in_circles() {
        let tenant = tenant();
        let id = |name: &str| {
            let found = tenant
                .groups
                .iter()
                .find(|group| group.display_name == name);
            found.expect("a group").id.clone()
        };
        assert_eq!(groups_of(&tenant, &tenant.users[0].id), ["A", "B", "C"]);
        assert_eq!(groups_of(&tenant, &id("A")), ["C"]);
        assert_eq!(groups_of(&tenant, &id("C")), ["C"]);
        assert_eq!(groups_of(&tenant, &id("D")), [] as [String; 0]);
    }

    #[test]
    fn a_tenant_with_members_comes_back_and_a_member_has_to_exist() {
        let tenant = tenant();
        let text = tenant.to_json();
        assert_eq!(Tenant::from_json(&text).expect("its own text"), tenant);
        let broken = text.replace("\"99999999-0000-4000-8000-000000000001\"\n", "\"x\"\n");
        assert_ne!(broken, text);
        let error = Tenant::from_json(&broken).expect_err("x is not a member");
        assert!(error.to_string().contains("group `B` has the member `x`"));
    }
}
