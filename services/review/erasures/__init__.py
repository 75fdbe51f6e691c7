"""What review has for forgetting beside its rules and routes: bodies and queries of their own, the
scope of a request, and the worker of retention."""
