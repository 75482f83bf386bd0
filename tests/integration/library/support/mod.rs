//! What every test needs: a world to run in, a wire to disturb, and tenants to start from.

pub(crate) mod answers;
pub(crate) mod runs;
pub(crate) mod tenants;
pub(crate) mod wire;
pub(crate) mod world;
