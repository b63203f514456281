' Makes structure changes in workbooks and writes their cells down. Each line of the jobs file, whose address stands for JOBS, is
' a command with its arguments, with tabs between:
'   open url | insert_rows sheet at count | delete_rows … | insert_columns … | delete_columns …
'   move_cells sheet firstRow firstCol lastRow lastCol toSheet toRow toCol
'   add_sheet name position | delete_sheet name | rename_sheet name new | move_sheet name position
'   dump url | close
' What fails is written into the next dump.
Sub Main
	Dim oFiles, oJobs, sJob, aJob, oDoc, sFailed
	oFiles = createUnoService("com.sun.star.ucb.SimpleFileAccess")
	oJobs = createUnoService("com.sun.star.io.TextInputStream")
	oJobs.setInputStream(oFiles.openFileRead("JOBS"))
	oJobs.setEncoding("UTF-8")
	sFailed = ""
	On Error GoTo Failed
	Do While Not oJobs.isEOF()
		sJob = oJobs.readLine()
		If sJob <> "" Then
			aJob = Split(sJob, Chr(9))
			If aJob(0) = "open" Then
				sFailed = ""
				oDoc = OpenBook(aJob(1))
			ElseIf aJob(0) = "close" Then
				oDoc.close(True)
			ElseIf aJob(0) = "dump" Then
				Dump(oDoc, aJob(1), sFailed)
			Else
				Change(oDoc, aJob)
			End If
		End If
Following:
	Loop
	oJobs.closeInput()
	StarDesktop.terminate()
	Exit Sub
Failed:
	sFailed = sFailed & aJob(0) & ": " & Error$ & " "
	Resume Following
End Sub

Function OpenBook(sURL)
	Dim aArgs(0) As New com.sun.star.beans.PropertyValue
	aArgs(0).Name = "Hidden"
	aArgs(0).Value = True
	OpenBook = StarDesktop.loadComponentFromURL(sURL, "_blank", 0, aArgs())
	OpenBook.IsUndoEnabled = False
End Function

Sub Change(oDoc, a)
	Dim oSheets, i, nAt
	oSheets = oDoc.Sheets
	Select Case a(0)
	Case "insert_rows"
		oSheets.getByName(a(1)).Rows.insertByIndex(CLng(a(2)), CLng(a(3)))
	Case "delete_rows"
		oSheets.getByName(a(1)).Rows.removeByIndex(CLng(a(2)), CLng(a(3)))
	Case "insert_columns"
		oSheets.getByName(a(1)).Columns.insertByIndex(CLng(a(2)), CLng(a(3)))
	Case "delete_columns"
		oSheets.getByName(a(1)).Columns.removeByIndex(CLng(a(2)), CLng(a(3)))
	Case "move_cells"
		oSheets.getByName(a(1)).moveRange( _
			oSheets.getByName(a(6)).getCellByPosition(CLng(a(8)), CLng(a(7))).CellAddress, _
			oSheets.getByName(a(1)).getCellRangeByPosition(CLng(a(3)), CLng(a(2)), CLng(a(5)), CLng(a(4))).RangeAddress)
	Case "add_sheet"
		oSheets.insertNewByName(a(1), CLng(a(2)))
	Case "delete_sheet"
		oSheets.removeByName(a(1))
	Case "rename_sheet"
		oSheets.getByName(a(1)).Name = a(2)
	Case "move_sheet"
		' LibreOffice counts positions with the sheet still in its place.
		nAt = CLng(a(2))
		For i = 0 To oSheets.Count - 1
			If oSheets.getByIndex(i).Name = a(1) And i < nAt Then nAt = nAt + 1 : Exit For
		Next
		oSheets.moveByName(a(1), nAt)
	End Select
End Sub

Function Plain(v)
	Plain = Join(Split(Join(Split(Join(Split(CStr(v), Chr(13)), " "), Chr(10)), " "), Chr(9)), " ")
End Function

Sub Dump(oDoc, sURL, sFailed)
	Dim oFiles, oOut, oSheet, oCursor, i, r, c, aFormulas, aValues, nRow, nCol
	oFiles = createUnoService("com.sun.star.ucb.SimpleFileAccess")
	If oFiles.exists(sURL) Then oFiles.kill(sURL)
	oOut = createUnoService("com.sun.star.io.TextOutputStream")
	oOut.setOutputStream(oFiles.openFileWrite(sURL))
	oOut.setEncoding("UTF-8")
	If sFailed <> "" Then oOut.writeString("failed" & Chr(9) & sFailed & Chr(10))
	oDoc.calculateAll()
	For i = 0 To oDoc.Sheets.Count - 1
		oSheet = oDoc.Sheets.getByIndex(i)
		oOut.writeString("sheet" & Chr(9) & oSheet.Name & Chr(10))
		oCursor = oSheet.createCursor()
		oCursor.gotoEndOfUsedArea(False)
		nRow = oCursor.RangeAddress.EndRow
		nCol = oCursor.RangeAddress.EndColumn
		If nRow < 2000 And nCol < 300 Then
			aFormulas = oSheet.getCellRangeByPosition(0, 0, nCol, nRow).getFormulaArray()
			aValues = oSheet.getCellRangeByPosition(0, 0, nCol, nRow).getDataArray()
			For r = 0 To nRow
				For c = 0 To nCol
					If aFormulas(r)(c) <> "" Then
						oOut.writeString("cell" & Chr(9) & r & Chr(9) & c & Chr(9) & Plain(aFormulas(r)(c)) & Chr(9) & Plain(aValues(r)(c)) & Chr(10))
					End If
				Next
			Next
		End If
	Next
	For i = 0 To oDoc.NamedRanges.Count - 1
		oOut.writeString("name" & Chr(9) & oDoc.NamedRanges.getByIndex(i).Name & Chr(9) & oDoc.NamedRanges.getByIndex(i).Content & Chr(10))
	Next
	oOut.closeOutput()
End Sub
