"""The hot tier: one shared-memory ring per port, one writer, any number of readers, no locks."""
