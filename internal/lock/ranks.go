package lock

// Rank is a place in the order of locks. Only the types of this file have one.
type Rank interface {
	// place gives the number, smaller ones being taken first, and the name.
	place() (int, string)
}

// The ranks. Those that may be held while something is written to a client come first, so
// that whoever takes one of them, and may have to wait for a client, holds no other lock.
// testdata/ranks.txt says which fields have them; the numbers leave room for more.
type (
	// ServerSending is held while a pipe writes a line to the server.
	ServerSending struct{}
	// ServerProgress is held while a notice of progress is sent, so that nothing follows the answer.
	ServerProgress struct{}
	// ServerStream is held while an event is written to a client.
	ServerStream struct{}
	// ServerWriting is held while a line is written to the output.
	ServerWriting struct{}

	// AccessIntrospection guards what an authorization server has said of tokens.
	AccessIntrospection struct{}
	// AccessReading is held while the file of principals is read again.
	AccessReading struct{}
	// AccessStrangers guards who comes with an access token and has no entry.
	AccessStrangers struct{}
	// AccessFailures guards how often machines have failed to say who they are.
	AccessFailures struct{}
	// AccessKeys guards the keys of an issuer.
	AccessKeys struct{}
	// AccessVerified guards which access tokens were verified.
	AccessVerified struct{}

	// ServerLines guards which calls of a line connection are open.
	ServerLines struct{}
	// ServerPipe guards what a pipe has in flight.
	ServerPipe struct{}
	// ServerSessions guards how the sessions are used.
	ServerSessions struct{}
	// ServerSubscriptions guards who watches what.
	ServerSubscriptions struct{}
	// ServerPeers guards which connections of peers are open.
	ServerPeers struct{}
	// ServerNotices guards who is to be told what.
	ServerNotices struct{}
	// ServerUnread guards how many bytes of answers are being written.
	ServerUnread struct{}
	// ServerBodies guards how many bytes of requests are held.
	ServerBodies struct{}
	// ServerDrain guards how many calls are inside.
	ServerDrain struct{}
	// ServerConnections guards which connections are open, and which were never used.
	ServerConnections struct{}

	// ForksDropping is held while a base is looked for, or one that nothing stands on dropped.
	ForksDropping struct{}
	// ForksStore guards which forks there are.
	ForksStore struct{}
	// Fork guards what is known of one fork.
	Fork struct{}

	// WorkspaceLooking is held while what was seen on the disk is noted.
	WorkspaceLooking struct{}
	// WorkspaceBases guards which kept revisions are in use.
	WorkspaceBases struct{}
	// WorkspaceOpened guards one entry of the cache.
	WorkspaceOpened struct{}
	// WorkspaceCatalogue guards which workbooks there are.
	WorkspaceCatalogue struct{}
	// WorkspaceUnknown guards the ids that name nothing.
	WorkspaceUnknown struct{}
	// WorkspaceTouched guards what the watcher has seen.
	WorkspaceTouched struct{}

	// ActorShard guards a part of the actors.
	ActorShard struct{}
	// HubIndex guards who watches which key.
	HubIndex struct{}
	// HubQueue guards what waits for one reader.
	HubQueue struct{}

	// AnalyzeCache guards what was worked out about sheets.
	AnalyzeCache struct{}
	// BookStyles guards the styles that edits have made.
	BookStyles struct{}
	// LazyLoad guards the state of one load.
	LazyLoad struct{}
	// LazyParts guards which work a run has begun.
	LazyParts struct{}

	// JournalLog guards the segments and streams of a journal.
	JournalLog struct{}
	// FlowBatch guards what waits for the next batch.
	FlowBatch struct{}
	// OfficeHome is held while the folder of office workers is made or given back.
	OfficeHome struct{}
	// OfficePresence is held while a LibreOffice is looked for.
	OfficePresence struct{}
	// OfficePool guards which job has which worker.
	OfficePool struct{}
	// BreakerSet guards which breakers there are.
	BreakerSet struct{}
	// Breaker guards the state of one breaker.
	Breaker struct{}
	// FlowGate guards the scheduler.
	FlowGate struct{}
	// FlowCosts guards the predictions.
	FlowCosts struct{}
	// OfficeWorker guards which job a worker is at, and why it ended.
	OfficeWorker struct{}
	// OfficeOutput guards the end of what a worker has printed.
	OfficeOutput struct{}

	// Unranked locks may be taken in any order: only deadlocks are found.
	Unranked struct{}
)

func (ServerSending) place() (int, string)       { return 8, "server.sending" }
func (ServerProgress) place() (int, string)      { return 10, "server.progress" }
func (ServerStream) place() (int, string)        { return 12, "server.stream" }
func (AccessIntrospection) place() (int, string) { return 13, "access.introspection" }
func (ServerWriting) place() (int, string)       { return 14, "server.writing" }
func (AccessReading) place() (int, string)       { return 15, "access.reading" }
func (AccessStrangers) place() (int, string)     { return 16, "access.strangers" }
func (AccessFailures) place() (int, string)      { return 17, "access.failures" }
func (AccessKeys) place() (int, string)          { return 18, "access.keys" }
func (AccessVerified) place() (int, string)      { return 19, "access.verified" }
func (ServerLines) place() (int, string)         { return 20, "server.lines" }
func (ServerPipe) place() (int, string)          { return 21, "server.pipe" }
func (ServerSessions) place() (int, string)      { return 22, "server.sessions" }
func (ServerUnread) place() (int, string)        { return 23, "server.unread" }
func (ServerSubscriptions) place() (int, string) { return 24, "server.subscriptions" }
func (ServerPeers) place() (int, string)         { return 25, "server.peers" }
func (ServerNotices) place() (int, string)       { return 26, "server.notices" }
func (ServerBodies) place() (int, string)        { return 27, "server.bodies" }
func (ServerDrain) place() (int, string)         { return 28, "server.drain" }
func (ServerConnections) place() (int, string)   { return 29, "server.connections" }
func (ForksDropping) place() (int, string)       { return 30, "forks.dropping" }
func (ForksStore) place() (int, string)          { return 32, "forks.store" }
func (Fork) place() (int, string)                { return 34, "fork" }
func (WorkspaceBases) place() (int, string)      { return 43, "workspace.bases" }
func (BookStyles) place() (int, string)          { return 71, "book.styles" }
func (JournalLog) place() (int, string)          { return 74, "journal.log" }
func (FlowBatch) place() (int, string)           { return 76, "flow.batch" }
func (WorkspaceLooking) place() (int, string)    { return 40, "workspace.looking" }
func (WorkspaceOpened) place() (int, string)     { return 44, "workspace.opened" }
func (WorkspaceCatalogue) place() (int, string)  { return 46, "workspace.catalogue" }
func (WorkspaceUnknown) place() (int, string)    { return 48, "workspace.unknown" }
func (WorkspaceTouched) place() (int, string)    { return 50, "workspace.touched" }
func (ActorShard) place() (int, string)          { return 60, "actor.shard" }
func (HubIndex) place() (int, string)            { return 62, "hub.index" }
func (HubQueue) place() (int, string)            { return 64, "hub.queue" }
func (AnalyzeCache) place() (int, string)        { return 70, "analyze.cache" }
func (LazyLoad) place() (int, string)            { return 72, "lazy.load" }
func (LazyParts) place() (int, string)           { return 73, "lazy.parts" }
func (OfficeHome) place() (int, string)          { return 77, "office.home" }
func (OfficePresence) place() (int, string)      { return 78, "office.presence" }
func (OfficePool) place() (int, string)          { return 79, "office.pool" }
func (OfficeWorker) place() (int, string)        { return 94, "office.worker" }
func (OfficeOutput) place() (int, string)        { return 96, "office.output" }
func (BreakerSet) place() (int, string)          { return 80, "breaker.set" }
func (Breaker) place() (int, string)             { return 82, "breaker" }
func (FlowGate) place() (int, string)            { return 90, "flow.gate" }
func (FlowCosts) place() (int, string)           { return 92, "flow.costs" }
func (Unranked) place() (int, string)            { return 0, "unranked" }

// ranks are all of them, in order.
func ranks() []Rank {
	return []Rank{
		ServerSending{}, ServerProgress{}, ServerStream{}, ServerWriting{}, ServerLines{}, ServerPipe{}, ServerSessions{}, ServerUnread{}, ServerSubscriptions{}, ServerPeers{}, ServerNotices{}, ServerBodies{}, ServerDrain{}, ServerConnections{},
		ForksDropping{}, ForksStore{}, Fork{},
		WorkspaceLooking{}, WorkspaceBases{}, WorkspaceOpened{}, WorkspaceCatalogue{}, WorkspaceUnknown{}, WorkspaceTouched{},
		ActorShard{}, HubIndex{}, HubQueue{}, AnalyzeCache{}, BookStyles{}, LazyLoad{}, LazyParts{}, JournalLog{}, FlowBatch{}, OfficeHome{}, OfficePresence{}, OfficePool{}, BreakerSet{}, Breaker{}, FlowGate{}, FlowCosts{}, OfficeWorker{}, OfficeOutput{},
	}
}
