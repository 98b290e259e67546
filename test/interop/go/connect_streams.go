package main

import (
	"context"
	"errors"
	"io"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/dynamicpb"
)

var errUnused = errors.New("this kind of call does not do that")

// connectChat streams both ways.
type connectChat struct {
	opened *connect.BidiStreamForClient[dynamicpb.Message, dynamicpb.Message]
}

func (of *connectChat) send(request *dynamicpb.Message) error { return of.opened.Send(request) }
func (of *connectChat) closeSend() error                      { return of.opened.CloseRequest() }
func (of *connectChat) header() headers                       { return connectHeaders(of.opened.ResponseHeader()) }
func (of *connectChat) trailer() headers                      { return connectHeaders(of.opened.ResponseTrailer()) }
func (of *connectChat) receive() (*dynamicpb.Message, error)  { return of.opened.Receive() }

// connectUpload streams requests and gets one answer.
type connectUpload struct {
	opened *connect.ClientStreamForClient[dynamicpb.Message, dynamicpb.Message]
	answer *connect.Response[dynamicpb.Message]
}

func (of *connectUpload) send(request *dynamicpb.Message) error { return of.opened.Send(request) }
func (of *connectUpload) closeSend() error                      { return nil }
func (of *connectUpload) header() headers                       { return connectHeaders(of.answer.Header()) }
func (of *connectUpload) trailer() headers                      { return connectHeaders(of.answer.Trailer()) }

func (of *connectUpload) receive() (*dynamicpb.Message, error) {
	if of.answer != nil {
		return nil, io.EOF
	}
	answer, err := of.opened.CloseAndReceive()
	if err != nil {
		return nil, err
	}
	of.answer = answer
	return answer.Msg, nil
}

// connectDownload sends one request and gets a stream.
type connectDownload struct {
	ctx    context.Context
	client *connect.Client[dynamicpb.Message, dynamicpb.Message]
	call   call
	opened *connect.ServerStreamForClient[dynamicpb.Message]
}

func (of *connectDownload) send(request *dynamicpb.Message) error {
	if of.opened != nil {
		return errUnused
	}
	asked := connect.NewRequest(request)
	ask(asked.Header(), of.call)
	opened, err := of.client.CallServerStream(of.ctx, asked)
	of.opened = opened
	return err
}

func (of *connectDownload) closeSend() error { return nil }
func (of *connectDownload) header() headers  { return connectHeaders(of.opened.ResponseHeader()) }
func (of *connectDownload) trailer() headers { return connectHeaders(of.opened.ResponseTrailer()) }

func (of *connectDownload) receive() (*dynamicpb.Message, error) {
	if of.opened.Receive() {
		return of.opened.Msg(), nil
	}
	if err := of.opened.Err(); err != nil {
		return nil, err
	}
	return nil, io.EOF
}
