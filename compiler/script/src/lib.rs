//! JavaScript and TypeScript of Actions: types stripped, imports resolved, mistakes as diagnostics.
