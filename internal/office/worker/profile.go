package worker

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// settings are what LibreOffice is told by its user profile: to calculate whatever it loads, to
// run nothing, to fetch nothing, and to leave no lock files. A version that does not know one
// of them passes it over.
var settings = []struct{ path, name, value string }{
	{"Setup/Office", "ooSetupInstCompleted", "true"},

	// Values in the file are not believed: 0 is to calculate always.
	{"Office.Calc/Formula/Load", "OOXMLRecalcMode", "0"},
	{"Office.Calc/Formula/Load", "ODFRecalcMode", "0"},

	// 1 is to update links never; 3 is the highest level, which trusts nobody, since there are
	// no trusted folders (SecureURL).
	{"Office.Calc/Content/Update", "Link", "1"},
	{"Office.Common/Security/Scripting", "MacroSecurityLevel", "3"},
	{"Office.Common/Security/Scripting", "DisableMacrosExecution", "true"},
	{"Office.Common/Security/Scripting", "BlockUntrustedRefererLinks", "true"},
	{"Office.Common/Security/Scripting", "CheckDocumentEvents", "true"},
	// Since 25.2.
	{"Office.Common/Security/Scripting", "DisableActiveContent", "true"},
	{"Office.Common/Security/Scripting", "DisablePythonRuntime", "true"},
	{"Office.Common/Security/Scripting", "DisableOLEAutomation", "true"},

	// A killed worker would leave locks that the next load of the same path minds.
	{"Office.Common/Misc", "UseLocking", "false"},
	{"Office.Common/Misc", "UseDocumentOOoLockFile", "false"},
	{"Office.Common/Misc", "UseDocumentSystemFileLocking", "false"},
	{"Office.Common/Misc", "UseOpenCL", "false"},
	{"Office.Common/Misc", "CrashReport", "false"},
	{"Office.Common/Save/Document", "GenerateThumbnail", "false"},
	{"Office.Recovery/AutoSave", "Enabled", "false"},
}

// decks are the parts of the sidebar beside a sheet. LibreOffice makes them with every document that
// it loads, though nobody looks at them, which takes a quarter of the time of a small one: the
// profile has none. Names that a version does not know are passed over.
var decks = []string{"PropertyDeck", "GalleryDeck", "NavigatorDeck", "StyleListDeck", "ScFunctionsDeck"}

// inputLine is the number of the line above a sheet in which one types (FID_INPUTLINE_STATUS). LibreOffice makes
// it with every sheet that it loads, from a description that installations without windows (Debian's
// libreoffice-calc-nogui) do not have: there the document would not load. The profile hides it, and then it is
// not made.
const inputLine = "26100"

// profileText is the file registrymodifications.xcu of a user profile.
func profileText() string {
	var b strings.Builder
	b.WriteString(xml.Header)
	b.WriteString(`<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` + "\n")
	for _, s := range settings {
		fmt.Fprintf(&b, `<item oor:path="/org.openoffice.%s"><prop oor:name="%s" oor:op="fuse"><value>%s</value></prop></item>`+"\n", s.path, s.name, s.value)
	}
	for _, name := range decks {
		fmt.Fprintf(&b, `<item oor:path="/org.openoffice.Office.UI.Sidebar/Content/DeckList"><node oor:name="%s" oor:op="remove"/></item>`+"\n", name)
	}
	fmt.Fprintf(&b, `<item oor:path="/org.openoffice.Office.Views/Windows"><node oor:name="%s" oor:op="replace"><prop oor:name="Visible"><value>false</value></prop></node></item>`+"\n", inputLine)
	b.WriteString("</oor:items>\n")
	return b.String()
}

// writeProfile makes the user profile in the folder dir what it has to be. A profile that was
// used before is kept but for its settings: LibreOffice 7.4 takes a second to fill a fresh one.
func writeProfile(dir string) error {
	user := filepath.Join(dir, "user")
	if err := os.MkdirAll(user, 0o700); err != nil {
		return err
	}
	// What a document's code could have left for the next start.
	for _, name := range []string{"basic", "Scripts", "autotext", "template", "registrymodifications.xcu"} {
		if err := os.RemoveAll(filepath.Join(user, name)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(user, "registrymodifications.xcu"), []byte(profileText()), 0o600)
}
