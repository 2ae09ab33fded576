//! Two, or a number of them, wait for each other again and again; two may swap values as they meet.

#[cfg(feature = "std")]
mod compile_fail;
mod error;
#[cfg(feature = "std")]
mod group;
#[cfg(feature = "std")]
mod half;
mod meeting;
#[cfg(feature = "std")]
mod pair;
#[cfg(feature = "std")]
mod patience;
mod spot;

#[cfg(feature = "std")]
pub use error::RendezvousError;
pub use error::{Disconnected, TryRendezvousError};
#[cfg(feature = "std")]
pub use group::{GroupVerb, GroupWait, RendezvousGroup, Round};
#[cfg(feature = "std")]
pub use half::{Half, MeetVerb, Seat, Yields};
pub use meeting::{Meeting, Party};
#[cfg(feature = "std")]
pub use pair::{Rendezvous, RendezvousData, RendezvousSwap, RendezvousWait};
