//! What the faces with guards and futures of their own are made of.

/// Guards over guards of ours: `name [declared generics] [their use] (inside) => value, …`; `mut` at
/// the end for those that write.
macro_rules! guards {
    ($($(#[$meta:meta])* $name:ident [$($decl:tt)*] [$($use:tt)*] ($inside:ty) => $value:ty $(, $mut:ident)?;)*) => {$(
        $(#[$meta])*
        #[must_use = "dropping the guard at once unlocks at once"]
        pub struct $name<$($decl)*>($inside);

        $crate::face::guard_traits! { $name [$($decl)*] [$($use)*] => $value $(, $mut)?; }
    )*};
}

/// What such guards do, for types that are declared elsewhere.
macro_rules! guard_traits {
    ($($name:ident [$($decl:tt)*] [$($use:tt)*] => $value:ty $(, $mut:ident)?;)*) => {$(
        impl<$($decl)*> core::ops::Deref for $name<$($use)*> {
            type Target = $value;

            #[inline]
            fn deref(&self) -> &$value {
                &self.0
            }
        }

        $crate::face::guard_traits!(@$($mut)? $name [$($decl)*] [$($use)*] $value);

        impl<$($decl)*> core::fmt::Debug for $name<$($use)*>
        where
            $value: core::fmt::Debug,
        {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($decl)*> core::fmt::Display for $name<$($use)*>
        where
            $value: core::fmt::Display,
        {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(&**self, f)
            }
        }
    )*};
    (@ $name:ident [$($decl:tt)*] [$($use:tt)*] $value:ty) => {};
    (@mut $name:ident [$($decl:tt)*] [$($use:tt)*] $value:ty) => {
        impl<$($decl)*> core::ops::DerefMut for $name<$($use)*> {
            #[inline]
            fn deref_mut(&mut self) -> &mut $value {
                &mut self.0
            }
        }
    };
}

/// Futures over operations of ours: `name [declared generics] [their use] (operation) -> output,
/// |what it yields| what becomes of it`.
macro_rules! futures {
    ($($(#[$meta:meta])* $name:ident [$($decl:tt)*] [$($use:tt)*] ($operation:ty) -> $output:ty, |$it:ident| $map:expr $(, again $again:expr)?;)*) => {$(
        $(#[$meta])*
        #[must_use = "futures do nothing unless you `.await` them"]
        pub struct $name<$($decl)*>($operation);

        impl<$($decl)*> core::future::Future for $name<$($use)*> {
            type Output = $output;

            #[inline]
            fn poll(
                self: core::pin::Pin<&mut Self>,
                cx: &mut core::task::Context<'_>,
            ) -> core::task::Poll<$output> {
                // SAFETY: pinned with this and not moved.
                let operation = unsafe { self.map_unchecked_mut(|this| &mut this.0) };
                $(if operation.is_terminated() {
                    return core::task::Poll::Ready($again);
                })?
                operation.poll(cx).map(|$it| $map)
            }
        }

        impl<$($decl)*> core::fmt::Debug for $name<$($use)*> {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

/// References to what is inside a type that is `repr(transparent)` over a type of ours, and back:
/// `name [declared generics] [their use] (inside)`.
macro_rules! transparent {
    ($($name:ident [$($decl:tt)*] [$($use:tt)*] ($inside:ty);)*) => {$(
        impl<$($decl)*> $name<$($use)*> {
            /// The same, as what is around it.
            #[allow(dead_code, reason = "not every face asks a guard for what it holds")]
            #[inline]
            fn around(inside: &$inside) -> &$name<$($use)*> {
                let inside: *const $inside = inside;
                // SAFETY: `repr(transparent)`; borrowed for as long.
                unsafe { &*(inside as *const $name<$($use)*>) }
            }

            /// The same, as what is inside.
            #[inline]
            fn shared(this: &std::sync::Arc<$name<$($use)*>>) -> &std::sync::Arc<$inside> {
                $crate::face::same_layout::<_, std::sync::Arc<$inside>>(this);
                let this: *const std::sync::Arc<$name<$($use)*>> = this;
                // SAFETY: an `Arc` is a pointer to counts and value, and those of the two are laid
                // out alike, since the type is `repr(transparent)`: its block is `repr(C)`. The language
                // does not promise as much for two instances of one type; `same_layout` checks the pointer.
                unsafe { &*this.cast() }
            }

            /// The same, as what is around it.
            #[allow(dead_code, reason = "not every face asks a guard for what it holds")]
            #[inline]
            fn shared_around(inside: &std::sync::Arc<$inside>) -> &std::sync::Arc<$name<$($use)*>> {
                $crate::face::same_layout::<_, std::sync::Arc<$name<$($use)*>>>(inside);
                let inside: *const std::sync::Arc<$inside> = inside;
                // SAFETY: as in `shared`.
                unsafe { &*inside.cast() }
            }
        }
    )*};
}

/// Fails to compile if the two are laid out differently.
#[inline(always)]
pub(crate) const fn same_layout<A, B>(_: &A) {
    const {
        assert!(size_of::<A>() == size_of::<B>() && align_of::<A>() == align_of::<B>());
    }
}

pub(crate) use {futures, guard_traits, guards, transparent};
