//! A public actor in a strict crate: what the macros write is documented, used, and as visible as it should be.

#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, dead_code)]
#![deny(rust_2018_idioms, unused_qualifications, unused_results, single_use_lifetimes, trivial_casts, unused_lifetimes)]
#![forbid(unsafe_code)]

/// Accounts.
pub mod account {
    use actors_core::{Actor, Context, ExitReason, ReplyTo, messages};

    /// An account.
    #[derive(Actor, Debug)]
    #[actor(mailbox = 16, stop_limit = "5s")]
    pub struct Account {
        balance: u64,
    }

    /// There is less than that.
    #[derive(Debug, PartialEq)]
    pub struct Overdrawn;

    impl std::fmt::Display for Overdrawn {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("overdrawn")
        }
    }

    impl std::error::Error for Overdrawn {}

    #[derive(Debug)]
    struct Audit(u64);

    #[messages]
    impl Account {
        /// Opens an account.
        pub fn new(balance: u64) -> Self {
            Account { balance }
        }

        /// Puts money in; see [`Self::withdraw`] for the other way.
        #[message]
        pub fn deposit(
            &mut self,
            /// How much.
            amount: u64,
        ) {
            self.balance += amount;
        }

        /// Takes money out.
        #[message(derive(Clone, Debug))]
        pub fn withdraw(&mut self, amount: u64) -> Result<u64, Overdrawn> {
            self.balance = self.balance.checked_sub(amount).ok_or(Overdrawn)?;
            Ok(self.balance)
        }

        /// Public, and without a word of its own for its parameter.
        #[message]
        pub async fn later(&mut self, after: u8, reply: ReplyTo<u64>, _ctx: &mut Context<Self>) {
            let _ = after;
            reply.send(self.balance);
        }

        #[message]
        pub(crate) fn undocumented(&self, label: String) -> usize {
            label.len()
        }

        #[message(name = Check)]
        fn audit(&self, audit: Audit) -> bool {
            audit.0 == self.balance
        }

        /// Says it in another way.
        #[message]
        #[deprecated(note = "ask for the balance")]
        pub fn old(&self, way: u8) -> u64 {
            self.balance * u64::from(way)
        }

        #[stopped]
        fn close(&mut self, _reason: &ExitReason) {}
    }

    /// A private message may be sent from where it can be named.
    pub async fn is_audited(account: &actors_core::ActorRef<Account>, balance: u64) -> bool {
        account.ask(Check { audit: Audit(balance) }).await.unwrap()
    }
}

use account::{Account, Deposit, Later, Overdrawn, Undocumented, Withdraw};
use actors_core::{ActorSystem, AskError};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let system = ActorSystem::new("bank");
    let account = system.spawn(Account::new(5));
    account.tell(Deposit { amount: 2 }).await.unwrap();
    let refused = account.ask(Withdraw { amount: 9 }).await;
    assert!(matches!(refused, Err(AskError::Failed(Overdrawn))));
    assert_eq!(account.ask(Later { after: 1 }).await.unwrap(), 7);
    assert_eq!(account.ask(Undocumented { label: "abc".to_owned() }).await.unwrap(), 3);
    assert!(account::is_audited(&account, 7).await);
    #[expect(deprecated)]
    let old = account::Old { way: 1 };
    assert_eq!(account.ask(old).await.unwrap(), 7);
    assert!(system.shutdown().await.is_clean());
}
