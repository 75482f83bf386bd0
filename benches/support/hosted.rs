//! The emulator over HTTP on loopback, served by this process, so that what it has counted can be
//! asked for. The program that is measured runs in a process of its own.

use std::io;

use assignctl_sandbox::{Machine, Service, Tenant, serve};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// An emulator that serves; it ends with this value.
pub(crate) struct Hosted {
    /// Scheme and authority, where tokens come from.
    pub(crate) authority: String,
    pub(crate) services: Vec<Service>,
    _runtime: Runtime,
}

impl Hosted {
    /// Serves a tenant on one thread of its own.
    pub(crate) fn start(tenant: Tenant) -> io::Result<Self> {
        Self::start_all(vec![tenant])
    }

    /// Serves tenants at one address, told apart by the token, on one thread of its own.
    pub(crate) fn start_all(tenants: Vec<Tenant>) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let authority = format!("http://{}", listener.local_addr()?);
        let machines = tenants
            .into_iter()
            .map(|tenant| Machine::new(tenant, authority.clone()));
        // Within the runtime, whose clock they take.
        let services: Vec<Service> = runtime.block_on(async {
            machines
                .map(|machine| Service::new(machine, None))
                .collect()
        });
        runtime.spawn(serve(listener, services.clone(), std::future::pending()));
        Ok(Self {
            authority,
            services,
            _runtime: runtime,
        })
    }
}
