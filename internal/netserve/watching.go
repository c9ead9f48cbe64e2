package netserve

// TraceCommands gives emit the lines of the connection, masked, from the client's next command on: whatever is under way now, a message perhaps,
// is not begun in its middle. from is "C" or "S". pop3 says which protocol it is. A trace that is on already stays. A nil emit ends at once what
// an earlier call began. Safe from any goroutine.
func (c *Conn) TraceCommands(emit func(from string, line []byte), pop3 bool) {
	if emit == nil {
		c.asked.Store(nil)
		if t := c.trace.Load(); t != nil && t.emit != nil {
			c.trace.CompareAndSwap(t, nil)
		}
		return
	}
	c.asked.Store(&tracer{emit: emit, id: c.id, known: true, pop3: pop3})
}

// takeTrace begins the trace that was asked for. The handler's goroutine calls it where a command begins: both streams are in step there.
func (c *Conn) takeTrace() {
	if t := c.asked.Swap(nil); t != nil {
		c.trace.CompareAndSwap(nil, t)
	}
}
