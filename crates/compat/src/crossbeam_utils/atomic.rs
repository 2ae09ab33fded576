//! `AtomicCell` and `AtomicConsume`.
//!
//! ```
//! use counterpoint_compat::crossbeam_utils::atomic::AtomicCell;
//!
//! let cell = AtomicCell::new(7_u32);
//! assert_eq!(cell.fetch_add(1), 7);
//! assert_eq!(cell.into_inner(), 8);
//! ```

pub use counterpoint_base::atomic::{AtomicCell, AtomicConsume};
