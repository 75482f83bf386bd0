//! The commands about who is signed in.

use clap::Args;

use crate::cli::values::{permitted_command, policy_kind};
use crate::model::PolicyKind;

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl whoami\n  assignctl whoami --for plan --kind mobileApp\n  assignctl whoami --auth azure-cli --format json"
)]
pub(in crate::cli) struct WhoAmI {
    /// Check the permissions for this command only: plan, drift, export, apply or rollback
    #[arg(long = "for", value_name = "COMMAND", value_parser = permitted_command)]
    pub(in crate::cli) only: Option<String>,
    /// Check the permissions for policies of this kind (several with commas, or repeated; default:
    /// those of the settings catalog)
    #[arg(long, value_name = "KIND", value_parser = policy_kind, value_delimiter = ',')]
    pub(in crate::cli) kind: Vec<PolicyKind>,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  assignctl login\n  assignctl login --for apply --kind configurationPolicy\n  assignctl whoami --auth login\n\nCommands use this sign-in if nothing else is configured, or with `--auth login`. Never in a pipeline."
)]
pub(in crate::cli) struct Login {
    /// Ask for the permissions of this command, such as plan or apply [default: plan]
    #[arg(long = "for", value_name = "COMMAND", value_parser = permitted_command)]
    pub(in crate::cli) only: Option<String>,
    /// Ask for the permissions of policies of this kind (several with commas, or repeated; default: of
    /// all kinds)
    #[arg(long, value_name = "KIND", value_parser = policy_kind, value_delimiter = ',')]
    pub(in crate::cli) kind: Vec<PolicyKind>,
    /// Application to sign in to [default: `clientId` of the configuration, else Microsoft Graph Command
    /// Line Tools]
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) client_id: Option<String>,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  assignctl logout")]
pub(in crate::cli) struct Logout {}
